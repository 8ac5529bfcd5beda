declare module "asciinema-player/dist/bundle/asciinema-player.css";
