// SPDX-License-Identifier: Apache-2.0
Redoc.init('openapi.json', { expandResponses: '200,201,207' }, document.getElementById('redoc'));
