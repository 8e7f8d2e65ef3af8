import type { FunctionConfiguration, LambdaClient } from '@aws-sdk/client-lambda'
import { clientsOf, PATIENT } from '../aws/clients.js'
import { optionalClient } from '../aws/optional-client.js'
import { listingError } from './listing-error.js'
import type { FleetOptions } from './types.js'

/** A version of a function that may be invoked. */
export interface DeployedVersion {
  arn: string
  name: string
  region: string
  version: string
  aliases: string[]
  lastModified: string | undefined
  isImage: boolean
  layers: string[]
}

/** The URL of the code of a version. */
export interface CodeLocation {
  tags: Record<string, string>
  zip: string | undefined
  /** Such as `nodejs24.x`; absent for container images. */
  runtime?: string | undefined
}

const loadLambda = () =>
  optionalClient(
    '@aws-sdk/client-lambda',
    'lists functions',
    () => import('@aws-sdk/client-lambda'),
  )

/** Reads functions and their code from Lambda: lambda:ListFunctions and lambda:GetFunction. */
export class LambdaReader {
  readonly #clientFor: (region?: string) => Promise<LambdaClient>
  readonly #options: FleetOptions
  /** What could not be listed. */
  readonly notes = new Set<string>()

  constructor(options: FleetOptions) {
    this.#options = options
    this.#clientFor = clientsOf(
      options.aws ?? {},
      'Lambda',
      async (config) => {
        const { LambdaClient } = await loadLambda()
        return new LambdaClient({ ...config, maxAttempts: PATIENT.maxAttempts })
      },
      { isPatient: true },
    )
  }

  /**
   * Yields the functions of all regions whose names match.
   *
   * @throws KmsBuildError LAMBDA_DENIED, LAMBDA_FAILED, CREDENTIALS_MISSING, AWS_CONFIG_INVALID.
   */
  async *functions(): AsyncGenerator<FunctionConfiguration> {
    try {
      yield* this.#listed()
    } catch (error) {
      throw listingError(error)
    }
  }

  async *#listed(): AsyncGenerator<FunctionConfiguration> {
    for (const region of this.#options.regions ?? [undefined]) {
      const client = await this.#clientFor(region)
      const { paginateListFunctions } = await loadLambda()
      for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
        yield* Functions.filter(({ FunctionName = '' }) => this.#isWanted(FunctionName))
      }
    }
  }

  /**
   * Returns where the code of a version is; undefined if the function was deleted meanwhile.
   *
   * @throws the SDK's errors.
   */
  async locate({ arn, region }: DeployedVersion): Promise<CodeLocation | undefined> {
    const { GetFunctionCommand } = await loadLambda()
    const client = await this.#clientFor(region)
    try {
      const command = new GetFunctionCommand({ FunctionName: arn })
      const { Code, Configuration, Tags = {} } = await client.send(command)
      return { tags: Tags, zip: Code?.Location, runtime: Configuration?.Runtime }
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return undefined
      throw error
    }
  }

  /**
   * Returns the URL of the code of a layer version.
   *
   * @throws the SDK's errors.
   */
  async locateLayer(arn: string): Promise<string | undefined> {
    const { GetLayerVersionByArnCommand } = await loadLambda()
    const client = await this.#clientFor(arn.split(':')[3])
    const { Content } = await client.send(new GetLayerVersionByArnCommand({ Arn: arn }))
    return Content?.Location
  }

  #isWanted(name: string): boolean {
    const { functions } = this.#options
    return !functions?.length || functions.some((glob) => patternOf(glob).test(name))
  }

  /** Returns `$LATEST` of a function, and the versions that its aliases point to. */
  async versionsOf(found: FunctionConfiguration): Promise<DeployedVersion[]> {
    const { FunctionArn: arn = '', FunctionName: name = '' } = found
    const region = arn.split(':')[3] ?? ''
    const aliases = await this.#aliases(await this.#clientFor(region), arn)
    const facts = {
      name,
      region,
      lastModified: found.LastModified,
      isImage: found.PackageType === 'Image',
      layers: (found.Layers ?? []).flatMap(({ Arn }) => Arn ?? []),
    }
    const latest = { ...facts, arn, version: '$LATEST', aliases: aliases.get('$LATEST') ?? [] }
    aliases.delete('$LATEST')
    const published = [...aliases].map(([version, names]) => ({
      ...facts,
      arn: `${arn}:${version}`,
      version,
      aliases: names,
      lastModified: undefined,
    }))
    return [latest, ...published]
  }

  /** Returns names of aliases by the version that they point to. */
  async #aliases(client: LambdaClient, arn: string): Promise<Map<string, string[]>> {
    const { paginateListAliases } = await loadLambda()
    const aliases = new Map<string, string[]>()
    try {
      for await (const page of paginateListAliases({ client }, { FunctionName: arn })) {
        for (const { Name = '', FunctionVersion, RoutingConfig } of page.Aliases ?? []) {
          const versions = Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {})
          for (const version of [FunctionVersion ?? '', ...versions])
            aliases.set(version, [...(aliases.get(version) ?? []), Name])
        }
      }
    } catch (error) {
      const { name } = error as Error
      if (name === 'AccessDeniedException')
        this.notes.add('Aliases were not listed (lambda:ListAliases): only $LATEST was examined.')
      else if (name !== 'ResourceNotFoundException')
        this.notes.add(`Aliases of ${arn} were not listed (${name}): only $LATEST was examined.`)
    }
    return aliases
  }
}

/** Returns the pattern of a glob, in which `*` stands for any characters and `?` for one. */
export const patternOf = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
