/** A deployment package: the bytes of a zip, or the path of one. Functions can share it. */
export type Code = Uint8Array | string

export interface FunctionToCreate {
  name: string
  /** The role's ARN. */
  role: string
  /** Default: the region of the local KMS. */
  region?: string
  environment?: Record<string, string>
  vpc?: { vpcId: string; subnetIds: string[] }
  /** Default: an empty zip. */
  code?: Code
  /** The URI of a container image, in place of `code`. */
  imageUri?: string
  /** Default: nodejs22.x. */
  runtime?: string
  /** Default: index.handler. */
  handler?: string
  description?: string
  /** ARNs of layer versions. */
  layers?: string[]
  tags?: Record<string, string>
  /** Milliseconds since 1970. Default: now. */
  lastModified?: number
}

/** The code and configuration of one version of a function. */
export interface FunctionVersion extends Omit<FunctionToCreate, 'name' | 'region' | 'tags'> {
  /** `$LATEST`, or the number of a published version. */
  version: string
  lastModified: number
}

export interface FunctionAlias {
  name: string
  version: string
  description?: string
  /** Weights of other versions: `{ '2': 0.1 }`. */
  additionalVersionWeights?: Record<string, number>
}

export interface LambdaFunction {
  name: string
  region: string
  latest: FunctionVersion
  published: FunctionVersion[]
  aliases: Map<string, FunctionAlias>
  tags: Record<string, string>
}

export interface LayerToPublish {
  name: string
  code: Code
  /** Default: the region of the local KMS. */
  region?: string
  description?: string
  compatibleRuntimes?: string[]
}

export interface LayerVersion extends LayerToPublish {
  version: number
  createdAt: number
}
