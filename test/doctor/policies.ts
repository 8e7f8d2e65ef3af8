/** A statement that allows. */
export const allow = (Action: string | string[], Resource: string, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
})
export const deny = (Action: string | string[], Resource: string, more: object = {}) => ({
  ...allow(Action, Resource, more),
  Effect: 'Deny',
})
export const document = (...statements: object[]) => ({
  Version: '2012-10-17',
  Statement: statements,
})
export const principal = (...arns: string[]) => ({ Principal: { AWS: arns } })

export const OTHER_KEY =
  'arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555'
export const account = (id: string) => principal(`arn:aws:iam::${id}:root`)
export const context = (app: string) => ({
  Condition: { StringEquals: { 'kms:EncryptionContext:app': app } },
})
export const alias = (name: string) => ({
  Condition: { 'ForAnyValue:StringLike': { 'kms:ResourceAliases': name } },
})
export const sessionOf = (role: string) =>
  role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')
export const nothing = () => [document(allow('s3:GetObject', '*'))]
