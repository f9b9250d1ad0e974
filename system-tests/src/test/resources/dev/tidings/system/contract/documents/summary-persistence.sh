curl -X POST http://localhost:8080/api/v1/messages -H "Content-Type: application/json" \
-d '{"topic":"test","payload":{"id":1}}'
