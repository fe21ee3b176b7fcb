/**
 * The types of apiextensions.k8s.io/v1 in the notation of wire-types.ts. By hand: they come from another module than k8s.io/api, and schemas have
 * unions and free JSON in them that the generator of messages.ts has no word for (types J and S).
 */
export const extensionKinds: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io/v1/CustomResourceDefinition': 'apiextensions.CustomResourceDefinition',
}

export const extensionMessages: Readonly<Record<string, string>> = {
  'apiextensions.CustomResourceColumnDefinition': '1:name:s! 2:type:s! 3:format:s 4:description:s 5:priority:i 6:jsonPath:s!',
  'apiextensions.CustomResourceConversion': '1:strategy:s! 2:webhook:apiextensions.WebhookConversion',
  'apiextensions.CustomResourceDefinition':
    '1:metadata:meta.ObjectMeta 2:spec:apiextensions.CustomResourceDefinitionSpec! 3:status:apiextensions.CustomResourceDefinitionStatus',
  'apiextensions.CustomResourceDefinitionCondition': '1:type:s! 2:status:s! 3:lastTransitionTime:T 4:reason:s 5:message:s',
  'apiextensions.CustomResourceDefinitionNames': '1:plural:s! 2:singular:s 3:shortNames:[]s 4:kind:s! 5:listKind:s 6:categories:[]s',
  'apiextensions.CustomResourceDefinitionSpec':
    '1:group:s! 3:names:apiextensions.CustomResourceDefinitionNames! 4:scope:s! 7:versions:[]apiextensions.CustomResourceDefinitionVersion! 9:conversion:apiextensions.CustomResourceConversion 10:preserveUnknownFields:b',
  'apiextensions.CustomResourceDefinitionStatus':
    '1:conditions:[]apiextensions.CustomResourceDefinitionCondition|keys=type 2:acceptedNames:apiextensions.CustomResourceDefinitionNames 3:storedVersions:[]s',
  'apiextensions.CustomResourceDefinitionVersion':
    '1:name:s! 2:served:b! 3:storage:b! 4:schema:apiextensions.CustomResourceValidation 5:subresources:apiextensions.CustomResourceSubresources 6:additionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition 7:deprecated:b 8:deprecationWarning:s! 9:selectableFields:[]apiextensions.SelectableField',
  'apiextensions.CustomResourceSubresourceScale': '1:specReplicasPath:s! 2:statusReplicasPath:s! 3:labelSelectorPath:s!',
  'apiextensions.CustomResourceSubresourceStatus': '',
  'apiextensions.CustomResourceSubresources':
    '1:status:apiextensions.CustomResourceSubresourceStatus! 2:scale:apiextensions.CustomResourceSubresourceScale!',
  'apiextensions.CustomResourceValidation': '1:openAPIV3Schema:apiextensions.JSONSchemaProps!',
  'apiextensions.ExternalDocumentation': '1:description:s 2:url:s',
  'apiextensions.JSONSchemaProps':
    '1:id:s 2:$schema:s 3:$ref:s! 4:description:s 5:type:s 6:format:s 7:title:s 8:default:J! 9:maximum:d! 10:exclusiveMaximum:b 11:minimum:d! 12:exclusiveMinimum:b 13:maxLength:i! 14:minLength:i! 15:pattern:s 16:maxItems:i! 17:minItems:i! 18:uniqueItems:b 19:multipleOf:d! 20:enum:[]J 21:maxProperties:i! 22:minProperties:i! 23:required:[]s 24:items:S! 25:allOf:[]apiextensions.JSONSchemaProps 26:oneOf:[]apiextensions.JSONSchemaProps 27:anyOf:[]apiextensions.JSONSchemaProps 28:not:apiextensions.JSONSchemaProps! 29:properties:{}apiextensions.JSONSchemaProps 30:additionalProperties:S! 31:patternProperties:{}apiextensions.JSONSchemaProps 32:dependencies:{}S 33:additionalItems:S! 34:definitions:{}apiextensions.JSONSchemaProps 35:externalDocs:apiextensions.ExternalDocumentation! 36:example:J! 37:nullable:b 38:x-kubernetes-preserve-unknown-fields:b! 39:x-kubernetes-embedded-resource:b 40:x-kubernetes-int-or-string:b 41:x-kubernetes-list-map-keys:[]s 42:x-kubernetes-list-type:s! 43:x-kubernetes-map-type:s! 44:x-kubernetes-validations:[]apiextensions.ValidationRule',
  'apiextensions.SelectableField': '1:jsonPath:s!',
  'apiextensions.ServiceReference': '1:namespace:s! 2:name:s! 3:path:s! 4:port:i!',
  'apiextensions.ValidationRule': '1:rule:s! 2:message:s 3:messageExpression:s 4:reason:s! 5:fieldPath:s 6:optionalOldSelf:b!',
  'apiextensions.WebhookClientConfig': '1:service:apiextensions.ServiceReference! 2:caBundle:y 3:url:s!',
  'apiextensions.WebhookConversion': '2:clientConfig:apiextensions.WebhookClientConfig! 3:conversionReviewVersions:[]s',
}
