# caught-by: shop-answers
# Makes the class without a controller the default one. It still has no controller.
kubectl annotate ingressclass traefik --overwrite ingressclass.kubernetes.io/is-default-class=false
kubectl annotate ingressclass nginx --overwrite ingressclass.kubernetes.io/is-default-class=true
