/** The settings that the command line and the plugin name differently. */
const NAMES = {
  region: ['the option aws.region', '--region'],
  profile: ['the option aws.profile', '--profile'],
  keyId: ['the option keyId', '--key'],
} as const

let form: 0 | 1 = 0

/** Makes messages name the flags of the command line in place of the plugin's options. */
export function nameFlags(): void {
  form = 1
}

/** Returns a setting's name for messages: `--region` on the command line, else `the option aws.region`. */
export const optionName = (name: keyof typeof NAMES): string => NAMES[name][form]
