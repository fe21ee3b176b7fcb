import type { Schema } from '../../resources/schema/schema.ts'
import { anything, fields, list, oneOf, refused, text, truth, whole, wholeOrText } from './schemas.ts'

/** Parameters that Felix has and that are not modelled, by type. */
const texts = `
  awsSrcDstCheck bpfCTLBLogFilter bpfConntrackLogLevel bpfConntrackMode bpfDataIfacePattern bpfDisableGROForIfaces bpfEnforceRPF
  bpfExternalServiceMode bpfKubeProxyMinSyncPeriod bpfL3IfacePattern bpfLogLevel bpfMapSizeConntrackScaling bpfProfiling
  bpfRedirectToPeer cgroupV2Path chainInsertMode dataplaneDriver dataplaneWatchdogTimeout debugHost debugMemoryProfilePath
  debugSimulateCalcGraphHangAfter debugSimulateDataplaneApplyDelay debugSimulateDataplaneHangAfter deviceRouteSourceAddress
  deviceRouteSourceAddressIPv6 endpointReportingDelay endpointStatusPathPrefix featureDetectOverride featureGates
  flowLogsFlushInterval flowLogsGoldmaneServer flowLogsLocalReporter flowLogsPolicyEvaluationMode healthHost interfaceExclude
  interfacePrefix interfaceRefreshInterval ipForwarding ipsetsRefreshInterval iptablesBackend iptablesFilterAllowAction
  iptablesFilterDenyAction iptablesLockFilePath iptablesLockProbeInterval iptablesLockTimeout iptablesMangleAllowAction
  iptablesNATOutgoingInterfaceFilter iptablesPostWriteCheckInterval iptablesRefreshInterval logActionRateLimit logDebugFilenameRegex
  logFilePath logPrefix logSeverityFile logSeveritySys metadataAddr mtuIfacePattern natOutgoingAddress netlinkTimeout
  nftablesFilterAllowAction nftablesFilterDenyAction nftablesMangleAllowAction nftablesMode nftablesRefreshInterval openstackRegion
  policySyncPathPrefix prometheusMetricsHost reportingTTL routeRefreshInterval routeSource serviceLoopPrevention
  usageReportingInitialDelay usageReportingInterval windowsManageFirewallRules wireguardInterfaceName wireguardInterfaceNameV6
  wireguardKeepAlive workloadSourceSpoofing xdpRefreshInterval
`
const truths = `
  allowIPIPPacketsFromWorkloads allowVXLANPacketsFromWorkloads bpfConnectTimeLoadBalancingEnabled bpfDisableUnprivileged bpfEnabled
  bpfHostConntrackBypass bpfKubeProxyEndpointSlicesEnabled bpfKubeProxyIptablesCleanupEnabled bpfPolicyDebugEnabled
  debugDisableLogDropping disableConntrackInvalidCheck endpointReportingEnabled flowLogsCollectorDebugTrace genericXDPEnabled
  healthEnabled ipipEnabled ipv6Support prometheusGoMetricsEnabled prometheusMetricsEnabled prometheusProcessMetricsEnabled
  prometheusWireGuardMetricsEnabled removeExternalRoutes routeSyncDisabled sidecarAccelerationEnabled usageReportingEnabled
  useInternalDataplaneDriver vxlanEnabled wireguardEnabled wireguardEnabledV6 wireguardHostEncryptionEnabled
  wireguardThreadingEnabled xdpEnabled
`
const wholes = `
  bpfExportBufferSizeMB bpfExtToServiceConnmark bpfKubeProxyHealthzPort bpfMapSizeConntrack bpfMapSizeConntrackCleanupQueue
  bpfMapSizeIPSets bpfMapSizeIfState bpfMapSizeNATAffinity bpfMapSizeNATBackend bpfMapSizeNATFrontend bpfMapSizePerCpuConntrack
  bpfMapSizeRoute debugPort deviceRouteProtocol goGCThreshold goMaxProcs goMemoryLimitMB healthPort ipipMTU iptablesMarkMask
  logActionRateLimitBurst maxIpsetSize metadataPort nftablesMarkMask prometheusMetricsPort vxlanMTU vxlanMTUV6 vxlanPort vxlanVNI
  wireguardListeningPort wireguardListeningPortV6 wireguardMTU wireguardMTUV6 wireguardRoutingRulePriority
`
const wholesOrTexts = `
  bpfPSNATPorts natPortRange
`
const lists = `
  bpfDSROptoutCIDRs bpfExcludeCIDRsFromNAT bpfForceTrackPacketsFromIfaces externalNodesList failsafeInboundHostPorts
  failsafeOutboundHostPorts healthTimeoutOverrides kubeNodePortRanges routeTableRanges
`
const objects = `
  bpfConntrackTimeouts bpfLogFilters routeTableRange
`

const each = (names: string, schema: Schema) =>
  Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, refused(schema)]),
  )

/** `spec` of a FelixConfiguration. */
export const felixConfigurationSpec = fields({
  ...each(texts, text),
  ...each(truths, truth),
  ...each(wholes, whole),
  ...each(wholesOrTexts, wholeOrText),
  ...each(lists, list(anything)),
  ...each(objects, anything),
  bpfConnectTimeLoadBalancing: oneOf('TCP', 'Enabled', 'Disabled'),
  bpfHostNetworkedNATWithoutCTLB: oneOf('Enabled', 'Disabled'),
  defaultEndpointToHostAction: { type: 'string', pattern: '^(?i)(Drop|Accept|Return)?$' },
  floatingIPs: oneOf('Disabled'),
  logSeverityScreen: { type: 'string', pattern: '^(?i)(Trace|Debug|Info|Warning|Error|Fatal)?$' },
  reportingInterval: { type: 'string', pattern: '^([0-9]+(\\\\.[0-9]+)?(ms|s|m|h))*$' },
})
