# A backend that there is not.

gantry {
  backend "kubernets" {
#         ^^^^^^^^^^^ Unknown type label: There is no backend of type "kubernets"; the types are http, kubernetes, local, postgres and s3. Did you mean "kubernetes"?
    namespace = "gantry"
  }
  backend {
#         ^ Missing type for backend: All backend blocks must have 1 labels (type).
  }
}
