import './rejects.js'
