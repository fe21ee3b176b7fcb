# caught-by: storefront-kept
# Points the shop's pods at a public resolver, which has never heard of the cluster.
kubectl -n shop patch deployment storefront --patch '{"spec":{"template":{"spec":{"dnsPolicy":"None","dnsConfig":{"nameservers":["8.8.8.8"]}}}}}'
