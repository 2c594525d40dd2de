# Repositories and projects.

repository "password_in_url" {
  url = "https://user:password@git.example.com/config"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is shown in plans and kept in state, so that it cannot hold a password or token. Declare a repository with an auth block.
}

repository "token_in_url" {
  url = "https://token@git.example.com/config"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is shown in plans and kept in state, so that it cannot hold a password or token. Declare a repository with an auth block.
}

repository "empty" {
  url = ""
#       ^^ Invalid URL: The URL is empty.
}

repository "no_url" {
#^^^^^^^^^^^^^^^^^^ Missing required argument: The repository block needs the argument "url", a string: where it is: an `https`, `ssh`, `git` or `file` URL or `user@host:path` for git, an `https` URL for Helm, `oci://host/path` for a registry, or the path of a directory.
  revision = "main"
}

repository "no_scheme" {
  url = "gopher://git.example.com/config"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: A source of type git is read from URLs with file, git, http, https or ssh, but this one has "gopher".
}

repository "no_host" {
  url = "https:///config"
#       ^^^^^^^^^^^^^^^^^ Invalid URL: "https:///config" names no host.
}

repository "not_helm" {
  type = "helm"
  url  = "ssh://git@git.example.com/config"
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: A source of type helm is read from URLs with http or https, but this one has "ssh".
}

repository "scp" {
  type = "oci"
  url  = "git@git.example.com:config"
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: "git@git.example.com:config" is the address of a git repository, not of a source of type oci.
}

repository "not_a_directory" {
  type = "directory"
  url  = "https://git.example.com/config"
#        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: A source of type directory is a path, such as "./manifests".
}

repository "revision" {
  url      = "./manifests"
  revision = "main"
#            ^^^^^^ Conflicting arguments: A directory has no revisions.
}

repository "svn" {
  type = "svn"
#        ^^^^^ Unsuitable value: The argument "type" must be "directory", "git", "helm" or "oci", but is "svn".
  url  = "https://svn.example.com/config"
}

repository "two_logins" {
  url = "https://git.example.com/config"

  auth {
    password = "x"
#              ^^^ Missing required argument: The argument "password" needs "username" beside it.
    token    = "y"
#              ^^^ Conflicting arguments: There is one way to log in, but both password and token are set. Remove one of them.
  }
}

repository "windows" {
  url = "..\\manifests"
#       ^^^^^^^^^^^^^^^ Invalid URL: The path of a directory has its parts separated by "/".
}

repository "null" {
  url = null
#       ^^^^ Missing required argument: The argument "url" is required, but its value is null. Give it a string: where it is: an `https`, `ssh`, `git` or `file` URL or `user@host:path` for git, an `https` URL for Helm, `oci://host/path` for a registry, or the path of a directory.
}

project "types" {
  repositories = "https://git.example.com/*"
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "repositories" must be a list of strings, but is a string.

  destination {
    clusters = cluster.prod
#              ^^^^^^^^^^^^ Unsuitable value: The argument "clusters" must be a list, but is cluster.prod; put it in brackets.
  }
  destination {
    clusters = [project.other]
#              ^^^^^^^^^^^^^^^ Unsuitable value: The argument "clusters" is not as expected: element 0 must be a cluster or a pattern of cluster names, but is project.other.
  }
  cluster_resources {
    alow = ["Namespace"]
#   ^^^^ Unsupported argument: An argument named "alow" is not expected here. Did you mean "allow"?
  }
  quota "x" {
# ^^^^^ Unsupported block type: Blocks of type "quota" are not expected here. In a project block there may be the arguments depends_on, description, for_each, frozen and repositories, and the blocks cluster_resources, destination, identity, namespace_resources, notify, orphaned_resources, role, signature, source and sync_window.
  }
}

project "other" {
}

cluster "prod" {
  context = "prod"
}
