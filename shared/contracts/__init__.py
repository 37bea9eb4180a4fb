"""Published events, one module per publishing service. Shapes only; within a version they change only by adding."""
