# caught-by: gateway-only
# One policy more, which nobody enforces either.
kubectl apply -f - <<'MANIFEST'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: default-deny
  namespace: prod
spec:
  podSelector: {}
  policyTypes: [Ingress]
MANIFEST
