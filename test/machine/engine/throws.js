throw new Error('imported')
