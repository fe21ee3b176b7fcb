# caught-by: gateway-only
# Calico runs, but every pod is still on Flannel's bridge.
kubectl apply -f /etc/faultline/manifests/calico.yaml
kubectl -n kube-system rollout status daemonset calico-node --timeout=120s
