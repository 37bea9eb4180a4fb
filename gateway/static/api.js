SwaggerUIBundle({ url: '/docs/openapi.json', dom_id: '#api', deepLinking: true, defaultModelsExpandDepth: 0 });
