# How this node was built is of no concern to an addon that uses Node-API alone (see common.gypi).
{ 'target_defaults': {}, 'variables': {} }
