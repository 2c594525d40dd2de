# State in a bucket.

gantry {
  backend "s3" {
    bucket     = "state"
    endpoint   = "s3.example.com"
#                ^^^^^^^^^^^^^^^^ Invalid URL: The argument "endpoint" must be an https URL, such as "https://state.example.com/web".
    access_key = "x"
#                ^^^ Missing required argument: The argument "access_key" needs "secret_key" beside it.
    path       = "y"
#   ^^^^ Unsupported argument: An argument named "path" is not expected here. In a backend block there may be the arguments access_key, bucket, endpoint, path_style, prefix, profile, region and secret_key.
  }
  backend "local" {
# ^^^^^^^^^^^^^^^ Duplicate block: There may be one backend block in a gantry block; the first is at backend_s3.gantry.hcl:4,3-15. Put the arguments of both into one.
  }
}
