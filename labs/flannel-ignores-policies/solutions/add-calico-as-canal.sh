# Canal: Flannel goes on carrying the packets, from its other manifest, and Calico's engine enforces.
kubectl delete -f /etc/faultline/manifests/flannel.yaml
kubectl apply -f /etc/faultline/manifests/canal.yaml
kubectl -n kube-system rollout status daemonset canal --timeout=120s
for namespace in kube-system prod marketing; do
  kubectl -n $namespace rollout restart deployment
done
for deployment in kube-system/coredns prod/backend prod/catalogue prod/api-gateway prod/reports marketing/newsletter; do
  kubectl -n ${deployment%/*} rollout status deployment ${deployment#*/} --timeout=90s
done
