import net from "node:net";

import { freePort } from "./process";

/** A network between a browser and the gate that can break off and come back. */
export class Wire {
  private readonly sockets = new Set<net.Socket>();
  private server: net.Server | undefined;

  private constructor(readonly port: number, private readonly to: number) {}

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(await freePort(), port);
    await wire.mend();
    return wire;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  /** Everything that is under way breaks off, and nothing gets through. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  }

  async mend(): Promise<void> {
    const server = net.createServer((near) => {
      const far = net.connect({ port: this.to, host: "127.0.0.1" });
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket.on("close", () => this.sockets.delete(socket));
      }
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
      near.pipe(far).pipe(near);
    });
    this.server = server;
    await new Promise<void>((done) => server.listen(this.port, "127.0.0.1", done));
  }
}
