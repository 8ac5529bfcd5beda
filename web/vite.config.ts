import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { mock } from "./mock/plugin.ts";

// With POSTERN_SERVER set, /v1 goes to a real server; otherwise the mock answers.
const server = process.env.POSTERN_SERVER;
const proxy = server
  ? { "/v1": { target: server, secure: false, changeOrigin: true, headers: { origin: server } } }
  : undefined;

export default defineConfig({
  plugins: [react(), tailwindcss(), ...(server ? [] : [mock()])],
  server: { port: 5173, strictPort: true, ...(proxy ? { proxy } : {}) },
  preview: { port: 4173, strictPort: true, ...(proxy ? { proxy } : {}) },
  build: {
    target: "es2022",
    // A data: URL for a small file would not be covered by font-src 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file of pictures for the signed-in pages instead of one for each; those of the sign-in page stay with it.
        codeSplitting: {
          groups: [{ name: "icons", test: /lucide-react[\\/]dist[\\/]esm[\\/]icons[\\/](?!eye|loader-circle|circle-alert|circle-off|cloud-off|vault|info|lock|shield-check|triangle-alert|check|chevron-down|x\.)/ }],
        },
      },
    },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
