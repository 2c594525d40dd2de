moved {
  from = application.payment
  to   = application.payments_service
}

import {
  to        = application.banner
  namespace = "web"
  selector  = "app=banner"
}

removed {
  from    = application.old
  destroy = false
}
