// SPDX-License-Identifier: Apache-2.0
window.ui = SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  layout: 'BaseLayout',
  presets: [SwaggerUIBundle.presets.apis],
  // The default asks a service elsewhere whether the document is valid.
  validatorUrl: null
});
