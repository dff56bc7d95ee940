// Shows the API's description; everything comes from this server, and nothing is sent elsewhere.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  persistAuthorization: false,
  queryConfigEnabled: false,
  showCommonExtensions: true,
  syntaxHighlight: { activated: true, theme: "nord" },
  tryItOutEnabled: false,
  validatorUrl: null,
});
