# Pulls the values of one indicator into a data frame, with unit of measure, source and latest update.
#
#     install.packages("httr2")
#     Sys.setenv(MEDSTRATEGI_URL = "http://127.0.0.1:8080", MEDSTRATEGI_TOKEN = "...")    # a token with med.read
#     source("pull_series.R")
library(httr2)

key <- "sygefravaer"
answer <- request(Sys.getenv("MEDSTRATEGI_URL")) |>
  req_url_path_append("v1", "indicators", key, "values") |>
  # The whole municipality (unit=), everybody (group=), from 2024 on.
  req_url_query(unit = "", group = "", from = "2024", limit = 10000) |>
  req_auth_bearer_token(Sys.getenv("MEDSTRATEGI_TOKEN")) |>
  # Where the service refuses, this stops, with what it said.
  req_error(body = \(refusal) resp_body_json(refusal, check_type = FALSE)$detail) |>
  req_perform() |>
  resp_body_json(simplifyVector = TRUE)
stopifnot("more than 10,000 values: ask for less, with from and to" = is.null(answer$`next`))

indicator <- answer$indicator
message(indicator$title, ", ", indicator$unit_of_measure, "; ", indicator$source, "; ", indicator$values_updated_at)

# A value that is hidden is NA with is_suppressed TRUE: not zero, and not missing.
values <- answer$items
print(values[c("period", "value", "is_provisional", "is_suppressed")])
