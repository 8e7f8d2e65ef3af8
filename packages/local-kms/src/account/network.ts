import type { PolicyDocument } from '../policy/parse-policy.js'

/** A VPC, as far as it leads somewhere. */
export interface Network {
  vpcId: string
  endpoints?: {
    /** `com.amazonaws.us-east-1.kms` */
    serviceName: string
    privateDns: boolean
    state?: string
    /** Default: one that lets all through. */
    policy?: PolicyDocument
  }[]
  routeTables?: {
    main?: boolean
    subnetIds?: string[]
    /** Destination to target: `{ '0.0.0.0/0': 'nat-1' }`. */
    routes: Record<string, string>
  }[]
}
