//! HTTP and OpenAPI; serves the console.
