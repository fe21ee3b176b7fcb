# caught-by: coredns-available
# Restarting does not mend what is read at the start.
kubectl -n kube-system rollout restart deployment coredns
