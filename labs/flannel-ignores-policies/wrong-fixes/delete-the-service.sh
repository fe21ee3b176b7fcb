# caught-by: workloads-kept
# Nobody reaches what has no name. Nor does the gateway.
kubectl -n prod delete service backend
