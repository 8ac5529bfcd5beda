import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// While developing, the API is that of a real server: `make run` starts one here.
const target = process.env.POSTERN_SERVER ?? "https://127.0.0.1:8443";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: { port: 5173, strictPort: true, proxy: { "/v1": { target, secure: false, changeOrigin: true, ws: true, headers: { origin: target } } } },
  build: {
    target: "es2022",
    // A data: URL for a small file would not be covered by font-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file of pictures for the signed-in pages instead of one for each; those of the sign-in page stay with it.
        codeSplitting: {
          // With what they build on, which the sign-in page needs too, they would be loaded with it.
          includeDependenciesRecursively: false,
          groups: [{ name: "icons", test: /lucide-react[\\/]dist[\\/]esm[\\/]icons[\\/](?!eye|key-round|loader-circle|circle-exclamation-point|circle-off|cloud-off|vault|info|lock|shield-check|triangle-exclamation-point|check|chevron-down|x\.)/ }],
        },
      },
    },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
