await null
throw new Error('imported, later')
