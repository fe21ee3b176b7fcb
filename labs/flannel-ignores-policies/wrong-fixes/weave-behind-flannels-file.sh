# caught-by: gateway-only
# Weave Net enforces, but Flannel's configuration stays on the nodes and comes before its own by name: new pods are still Flannel's.
kubectl delete -f /etc/faultline/manifests/flannel.yaml
kubectl apply -f /etc/faultline/manifests/weave.yaml
kubectl -n kube-system rollout status daemonset weave-net --timeout=120s
kubectl -n prod rollout restart deployment
kubectl -n marketing rollout restart deployment
