export interface FunctionToCreate {
  name: string
  /** The role's ARN. */
  role: string
  /** Default: the region of the local KMS. */
  region?: string
  environment?: Record<string, string>
  vpc?: { vpcId: string; subnetIds: string[] }
}

export type LambdaFunction = Omit<FunctionToCreate, 'region'>
