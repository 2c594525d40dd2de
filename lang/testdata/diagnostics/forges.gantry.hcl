# What blocks and generators that are about forges complain about.

gantry {
  forge "github" {
    repository     = "web"
#                    ^^^^^ Unsuitable value: The repository must be written as owner/name, such as "example/deploy", and not "web".
    url            = "https://user:password@git.example.com"
#                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is shown in messages, so that it cannot hold a password. Use the argument "token".
    ca_certificate = "ca.pem"
#                    ^^^^^^^^ Unsuitable value: The argument "ca_certificate" has no certificate in PEM. It is the certificate itself, such as file("ca.pem") gives.
    token          = "x"
#                    ^^^ Conflicting arguments: The block "app" says what logs in, too. Remove the argument "token", or the block.

    app {
      id          = "12 34"
#                   ^^^^^^^ Unsuitable value: An ID has letters, digits and dots only, such as "123456".
      private_key = "x"
    }
  }
  forge "gitlab" {
# ^^^^^^^^^^^^^^ Duplicate block: There may be one forge block in a gantry block; the first is at forges.gantry.hcl:4,3-17. Put the arguments of both into one.
  }
}

generator "pull_request" "type" {
  forge      = "githab"
#              ^^^^^^^^ Unsuitable value: There is no forge of type "githab"; there are bitbucket, bitbucket_data_center, forgejo, gitea, github and gitlab. Did you mean "github"?
  repository = "example/web"
}

generator "pull_request" "nowhere" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: Where the forge is must be said: set url, such as "https://git.example.com".
  forge      = "forgejo"
  repository = "example"
#              ^^^^^^^^^ Unsuitable value: The repository must be written as owner/name, such as "example/web", and not "example".
}

generator "pull_request" "unreachable" {
  forge      = "github"
#              ^^^^^^^^ Cannot ask forge: The pull requests of example/silent cannot be told: no answer.
  repository = "example/silent"
}

generator "pull_request" "pattern" {
  forge      = "github"
  repository = "example/web"

  filter {
    title = "(["
#           ^^^^ Invalid regular expression: "([" is no regular expression: missing closing ]: `[`.
  }
}

generator "scm_provider" "odd" {
  forge          = "bitbucket"
  owner          = "a b"
#                  ^^^^^ Unsuitable value: The owner must be the name of an organization, group, workspace or person, and not "a b".
  clone_protocol = "git"
#                  ^^^^^ Unsuitable value: The argument "clone_protocol" is "https" or "ssh", and not "git".

  filter {
    paths = ["/etc"]
#           ^^^^^^^^ Unsuitable value: A path is from the root of the repository, such as "deploy/kustomization.yaml", and not "/etc".
  }
}

generator "scm_provider" "unreachable" {
  forge = "gitlab"
#         ^^^^^^^^ Cannot ask forge: The repositories of silent cannot be told: no answer.
  owner = "silent"
}
