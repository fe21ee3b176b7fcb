# Flannel goes, Calico comes, what Flannel left on the nodes is cleared away, and every pod is made anew.
kubectl delete -f /etc/faultline/manifests/flannel.yaml
kubectl apply -f /etc/faultline/manifests/calico.yaml
kubectl -n kube-system rollout status daemonset calico-node --timeout=120s
# Flannel's masquerading outlives it: it would hide from Calico who is calling from another node.
for node in $(kubectl get nodes -o name); do
  kubectl debug $node --profile=sysadmin --image=nicolaka/netshoot -- iptables -t nat -F FLANNEL-POSTRTG
done
for namespace in kube-system prod marketing; do
  kubectl -n $namespace rollout restart deployment
done
for deployment in kube-system/coredns prod/backend prod/catalogue prod/api-gateway prod/reports marketing/newsletter; do
  kubectl -n ${deployment%/*} rollout status deployment ${deployment#*/} --timeout=90s
done
