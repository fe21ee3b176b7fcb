# Mends the word in place, then lets CoreDNS start anew.
kubectl -n kube-system get configmap coredns -o yaml | sed 's/foward/forward/' | kubectl apply -f -
kubectl -n kube-system rollout restart deployment coredns
kubectl -n kube-system rollout status deployment coredns --timeout=60s
