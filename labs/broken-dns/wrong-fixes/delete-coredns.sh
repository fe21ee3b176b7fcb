# caught-by: mysql-resolves
# "It crashes, so away with it."
kubectl -n kube-system delete deployment coredns
