export * from '@unplugin-kms/runtime/credentials/imds'
