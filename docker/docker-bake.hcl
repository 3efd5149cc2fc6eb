# gpuinit for both machines with docker: docker buildx bake -f docker/docker-bake.hcl
# What a release has is made by docker/release.sh, without docker; this compiles anew on each machine, or under emulation.
variable "VERSION" {
  default = "dev"
}

group "default" {
  targets = ["gpuinit"]
}

target "gpuinit" {
  context    = "."
  dockerfile = "docker/Dockerfile"
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = ["gpuinit:${VERSION}"]
  labels = {
    "org.opencontainers.image.title"    = "gpuinit"
    "org.opencontainers.image.version"  = "${VERSION}"
    "org.opencontainers.image.licenses" = "Apache-2.0 AND LGPL-2.1-or-later AND LGPL-2.1-only AND MIT"
  }
  output = ["type=oci,dest=gpuinit-oci.tar"]
}
