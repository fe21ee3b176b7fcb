# caught-by: storefront-kept
# Writes the database's present address into the pods' /etc/hosts.
address=$(kubectl -n prod get service mysql -o jsonpath='{.spec.clusterIP}')
kubectl -n shop patch deployment storefront --patch "{\"spec\":{\"template\":{\"spec\":{\"hostAliases\":[{\"ip\":\"$address\",\"hostnames\":[\"mysql.prod.svc.cluster.local\"]}]}}}}"
