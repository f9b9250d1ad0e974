# Access Prometheus metrics
curl "http://localhost:8000/metrics"
