# The reboot of the nodes: every CoreDNS pod is started anew, all at once.
kubectl -n kube-system delete pod -l k8s-app=kube-dns --grace-period=0 --force
