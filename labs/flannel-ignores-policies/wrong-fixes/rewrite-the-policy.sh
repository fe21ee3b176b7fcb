# caught-by: policy-kept
# "It must be the selector."
kubectl -n prod patch networkpolicy backend-restrict --type=merge --patch '{"spec":{"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"prod"}},"podSelector":{"matchLabels":{"app":"api-gateway"}}}]}]}}'
