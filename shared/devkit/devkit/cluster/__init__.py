"""A development cluster: Qingdan installed into any Kubernetes that KUBECONFIG names, tried, and taken away again."""
