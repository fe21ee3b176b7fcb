# caught-by: mysql-resolves
# More replicas of what crashes.
kubectl -n kube-system scale deployment coredns --replicas=4
