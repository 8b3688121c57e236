"""Pictures of published versions for people: proxies, mattes, view LUTs, thumbnails, stills, review movies."""
