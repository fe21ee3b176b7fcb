# Creates the Ingress without a class: the API server writes in the default one. On an Ingress that exists it would not.
kubectl -n prod get ingress frontend-app -o yaml | sed -e '/ingressClassName:/d' -e '/resourceVersion:/d' -e '/uid:/d' > ingress.yaml
kubectl replace --force -f ingress.yaml
