# Its AppProject was not among the imported files: nothing is guarded here, but for
# cluster-scoped objects, which must be allowed one by one.
project "team_a" {}
