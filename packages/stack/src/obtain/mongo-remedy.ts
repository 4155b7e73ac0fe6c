export const MONGO_REMEDY = 'install mongod 6 or newer, or set MONGODB_URI';
