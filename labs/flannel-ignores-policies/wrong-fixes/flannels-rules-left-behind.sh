# caught-by: gateway-only
# Calico with restarted pods, but Flannel's masquerading still stands on the nodes: calls from another node come under the node's name.
kubectl delete -f /etc/faultline/manifests/flannel.yaml
kubectl apply -f /etc/faultline/manifests/calico.yaml
kubectl -n kube-system rollout status daemonset calico-node --timeout=120s
for namespace in kube-system prod marketing; do
  kubectl -n $namespace rollout restart deployment
done
for deployment in kube-system/coredns prod/backend prod/catalogue prod/api-gateway prod/reports marketing/newsletter; do
  kubectl -n ${deployment%/*} rollout status deployment ${deployment#*/} --timeout=90s
done
