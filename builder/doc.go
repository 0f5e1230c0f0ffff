// Package builder makes Windows container images of published .NET
// applications: it merges what the user asked for, what the project says and
// what the base holds, writes the image's config and manifest, and puts the
// application's layers on those of the base.
//
// The config and the manifest follow the OCI image specification
// (https://github.com/opencontainers/image-spec) or Docker's image manifest
// version 2, schema 2 (https://distribution.github.io/distribution/spec/manifest-v2-2/),
// whichever the base uses, unless another format is asked for.
package builder
